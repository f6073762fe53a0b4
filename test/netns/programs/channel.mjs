/** Does what the parent process asks for, by name, and sends back what came of it. */
export function serve(calls) {
  process.on('message', async ({ id, name, args }) => {
    try {
      process.send({ id, value: await calls[name](...args) });
    } catch (error) {
      process.send({ id, problem: { code: error.code, message: error.message } });
    }
  });
  process.on('disconnect', () => process.exit());
}
