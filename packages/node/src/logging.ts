/** The node's log: winston, one line per event, to standard error. */
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import winston from 'winston';
import { LogSink } from './logSink.js';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['json', 'human'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

type Log = (message: string, fields?: Readonly<Record<string, unknown>>) => unknown;

/** What a part of the node needs in order to log: a sentence, and the facts as fields. */
export interface Logger {
  readonly error: Log;
  readonly warn: Log;
  readonly info: Log;
  readonly debug: Log;
}

export interface LoggerOptions {
  /** Default: `human` on a terminal, `json` elsewhere. */
  readonly format?: LogFormat;
  /** The least important level that is written. Default: `info`. */
  readonly level?: LogLevel;
  /** Open file descriptor to write to. Default: 2, standard error. */
  readonly fd?: number;
}

/** Text from outside may hold line feeds and terminal escapes: they are shown, not obeyed. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

function field([name, value]: [string, unknown]): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const quoted = typeof value === 'string' && /[\s="]/.test(text) ? JSON.stringify(text) : text;
  return `${name}=${printable(quoted)}`;
}

/** `07:01:02.123 warn  The ring was purged  reason=timeout` */
const humanLine = winston.format.printf(({ level, message, timestamp, stack, ...fields }) => {
  const time = String(timestamp).slice(11, 23);
  const padded = level.replace(/(error|warn|info|debug)/, (word) => word.padEnd(5));
  const parts = [time, padded, printable(String(message))];
  const facts = Object.entries(fields).map(field).join(' ');
  if (facts !== '') parts.push(` ${facts}`);
  if (typeof stack === 'string') parts.push(`\n${stack}`);
  return parts.join(' ');
});

function lineFormat(format: LogFormat, colours: boolean): winston.Logform.Format {
  const { combine, timestamp, errors, json, colorize } = winston.format;
  const common = [timestamp({ format: () => new Date().toISOString() }), errors({ stack: true })];
  if (format === 'json') return combine(...common, json());
  return combine(...common, ...(colours ? [colorize({ level: true })] : []), humanLine);
}

/**
 * The logger of a process. It survives whatever happens to the place it writes to; lines that were lost meanwhile
 * are reported by the next one that gets through. Times are UTC.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const fd = options.fd ?? 2;
  const terminal = isatty(fd);
  const sink = new LogSink(fd);
  const stream = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      sink.write(line);
      done();
    },
  });
  const logger = winston.createLogger({
    level: options.level ?? 'info',
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: lineFormat(options.format ?? (terminal ? 'human' : 'json'), terminal && !process.env['NO_COLOR']),
    transports: [new winston.transports.Stream({ stream, eol: '\n' })],
    exitOnError: false,
  });
  process.once('exit', () => sink.flush());
  const write = (level: LogLevel): Log => {
    return (message, fields = {}) => {
      const lines = sink.takeLostLines();
      if (lines > 0) logger.warn('log lines were lost: the log could not be written', { lines });
      logger.log({ ...fields, level, message });
    };
  };
  return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
}

/** For tests and for callers that want none. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};
