import { Flow } from '../flow/flow.js';
import type { Service } from '../service.js';

/** Which connection a server's frame belongs to; its cluster is known by the port that it comes from. */
export class ReturnFlow extends Flow {
  /** The service that the server has answered for; not of `plain` and `laterFragment`. */
  service!: Service;
  /** Where in memory the source address stands. */
  senderAt = 0;
  /** Where in memory the address stands that must be the server's: the source, or the destination that an error quotes. */
  serverAddressAt = 0;
  /** Of a fragment: the slot of the server that sends it. */
  sender = -1;
}
