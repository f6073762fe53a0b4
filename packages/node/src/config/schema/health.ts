/** Health checks, as they are written. */
import { z } from 'zod';
import { flag, hostAndPort, milliseconds, text, whole } from './pieces.js';

function isHttpUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '';
}

const HTTP_URL = 'an http or https URL, like http://127.0.0.1:80/';

const COMMAND = 'a program and its arguments, 1 to 64 texts, like [/usr/local/bin/check, --fast]';
const STATUS = 'a status (100 to 599), a range like 200-399, or a list of these';
const SERVER_NAME = 'a host name, like www.example.org';

/** `204`, `200-399` */
function toStatusRange(written: number | string): { from: number; to: number } {
  const [from, to = from] = String(written).split('-').map(Number);
  return { from, to };
}

const isStatusRange = (written: unknown): written is number | string => {
  if (typeof written !== 'number' && !(typeof written === 'string' && /^\d{3}(-\d{3})?$/.test(written)))
    return false;
  const { from, to } = toStatusRange(written);
  return Number.isInteger(from) && from >= 100 && from <= to && to <= 599;
};
const statusRange = z.custom<number | string>(isStatusRange, { error: STATUS }).meta({
  anyOf: [
    { type: 'integer', minimum: 100, maximum: 599 },
    { type: 'string', pattern: String.raw`^[1-5]\d{2}(-[1-5]\d{2})?$` },
  ],
});
const statusRanges = z
  .union([statusRange, z.array(statusRange).min(1, { error: STATUS }).max(64, { error: STATUS })], {
    error: STATUS,
  })
  .transform((written) => [written].flat().map(toStatusRange));

export const health = z
  .strictObject(
    {
      http: z.string({ error: HTTP_URL }).refine(isHttpUrl, { error: HTTP_URL }).optional().meta({
        pattern: '^[hH][tT][tT][pP][sS]?:',
        'x-type': 'URL',
        description:
          'An http or https URL. Well: an answer with an expected `status`. Redirections are not followed.',
      }),
      status: statusRanges.optional().meta({
        'x-type': 'status, range, or list of 1 to 64 of these',
        'x-absent': '200-299',
        description:
          'With `http`: which statuses are expected. One (`204`), a range (`200-399`), or a list of these.',
      }),
      serverName: z
        .string({ error: SERVER_NAME })
        .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/, { error: SERVER_NAME })
        .optional()
        .meta({
          'x-type': 'host name',
          'x-absent': 'that of the URL',
          description:
            'With `http`: the name of the service. It is sent as `Host`; over https it is asked for (SNI), and the certificate must be for it.',
        }),
      insecure: flag.optional().meta({
        'x-absent': 'false',
        description:
          'With an https URL: `true` takes whatever certificate is shown. (An authority of your own: `NODE_EXTRA_CA_CERTS` in the environment of `ringmaster up`.)',
      }),
      tcp: hostAndPort.optional().meta({
        description: 'A host and a port, like `127.0.0.1:80` or `[::1]:80`. Well: a connection is accepted.',
      }),
      command: z
        .array(text(COMMAND), { error: COMMAND })
        .min(1, { error: COMMAND })
        .max(64, { error: COMMAND })
        .optional()
        .meta({
          description:
            'A program and its arguments, `[/usr/local/bin/check, --fast]`. Well: it ends with exit code 0 within `timeoutMs`. It runs as the node does, as root as a rule, without a shell and with nothing to read; when its time is over it is killed, and with it whatever it has started. The first line that it says is the reason in `status`.',
        }),
      intervalMs: milliseconds(50, 3_600_000).default(1000).meta({
        description:
          'Time between two checks; each time up to a twentieth less or more, so that nodes do not check in step.',
      }),
      timeoutMs: milliseconds(10, 60_000)
        .default(1000)
        .meta({ description: 'How long the service has to answer.' }),
      rise: whole(1, 100, 'how many good answers in a row bring the node back')
        .default(2)
        .meta({ description: 'How many good answers in a row bring the node back.' }),
      fall: whole(1, 100, 'how many bad answers in a row take the node out')
        .default(3)
        .meta({ description: 'How many bad answers in a row take it out.' }),
    },
    { error: 'a mapping with http, tcp or command, and optionally intervalMs, timeoutMs, rise, fall' },
  )
  .meta({ 'x-absent': 'no check', description: "Checks this node's own service, see [health](#health)." });
