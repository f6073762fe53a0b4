/** The dashboard, as it is written. */
import { z } from 'zod';
import { flag, hostAndPort, text } from './pieces.js';

export const dashboard = z
  .strictObject(
    {
      listen: hostAndPort.meta({
        description:
          'Where browsers find it, like `127.0.0.1:7480` or `[::]:7480`. Other places than this host need a `tokenFile`.',
      }),
      tokenFile: text('the path of a file with a token').optional().meta({
        'x-type': 'path',
        description:
          'A file with a long random text, that only the node can read. Browsers ask for it as a password; the user does not matter. It goes over the wire as it is: put TLS or an SSH tunnel around it.',
      }),
      allowChanges: flag.default(false).meta({
        description:
          'Whether servers can be drained and undrained there. Else it shows, and changes nothing.',
      }),
    },
    { error: 'a mapping with listen' },
  )
  .optional()
  .meta({
    description: 'A page that shows the ring live, see [dashboard](#dashboard). Absent: there is none.',
  });
