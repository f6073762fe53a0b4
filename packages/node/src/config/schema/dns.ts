/** The name server, as it is written. */
import { z } from 'zod';
import { hostAndPort, text, whole } from './pieces.js';

const NAME = 'a host name, like www.example.org';

export const dns = z
  .strictObject(
    {
      listen: hostAndPort.meta({
        description: 'Where it is asked, over UDP and TCP, like `10.0.0.11:53`. Not the cluster address.',
      }),
      name: text(NAME)
        .refine((name) => /^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/i.test(name) && name.length <= 253, {
          error: NAME,
        })
        .meta({ description: 'The one name that it knows. A zone delegates it to the nodes by NS records.' }),
      ttlS: whole(1, 3600, 'seconds').default(5).meta({
        description:
          'For how many seconds resolvers may remember an answer: so long they go on giving out an address that nobody serves.',
      }),
    },
    { error: 'a mapping with listen and name' },
  )
  .optional()
  .meta({
    description:
      'A name server for one name, that answers with the cluster addresses in turn and leaves out those that nobody serves, see [dns](#dns). Absent: there is none.',
  });
