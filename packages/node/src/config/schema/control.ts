/** Where operators and their programs reach a node, as it is written. */
import { z } from 'zod';
import { hostAndPort, text } from './pieces.js';

const PEM = 'the path of a PEM file';
const pem = (description: string) => text(PEM).meta({ 'x-type': 'path', description });

const tls = z
  .strictObject(
    {
      certificate: pem('The certificate of the control API, and what it is signed by.'),
      key: pem('Its private key.'),
      clientCa: pem(
        'Who signs the certificates of those who may ask. Whoever has none is refused in the handshake.',
      ).optional(),
    },
    { error: 'a mapping with certificate and key' },
  )
  .optional()
  .meta({ description: 'TLS for `listen`.' });

export const control = z
  .strictObject(
    {
      socket: text('the path of a Unix socket').default('/run/ringmaster.sock').meta({
        'x-type': 'path',
        description:
          'A Unix socket (mode 0600) at which the node answers `ringmaster status` and its like. Its directory must exist. Several nodes on one machine (in network namespaces or containers that share files) each need their own.',
      }),
      listen: hostAndPort.optional().meta({
        description:
          'Where the same is offered over TCP, like `10.0.0.11:7481`: to those who show the token of `tokenFile`, or a certificate (`tls.clientCa`). One of the two must be there. Absent: nowhere.',
      }),
      tokenFile: text('the path of a file with a token').optional().meta({
        'x-type': 'path',
        description:
          'A file with a long random text, that only the node can read. Programs send it as `Authorization: Bearer ...`; without `tls` it goes over the wire as it is.',
      }),
      tls,
    },
    { error: 'a mapping with socket' },
  )
  .prefault({})
  .meta({ description: 'Where operators reach the node, see [control](#control).' });

export const metrics = z
  .strictObject(
    {
      listen: hostAndPort.meta({
        description:
          'Where `GET /metrics` is answered over TCP, like `10.0.0.11:7482`, to everybody who can reach it; and nothing else is.',
      }),
    },
    { error: 'a mapping with listen' },
  )
  .optional()
  .meta({
    description:
      'Metrics for Prometheus over TCP, see [metrics](#metrics). The control socket has them anyway.',
  });
