/** Calls a URL once and prints what it answers; for images that have no curl. `node call.mjs URL` */
const TIMEOUT_MS = 2000;
try {
  const answer = await fetch(process.argv[2], {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: { connection: 'close' },
  });
  process.stdout.write(await answer.text());
} catch (error) {
  process.stdout.write(`no answer: ${error.cause?.message ?? error.message}\n`);
  process.exit(1);
}
