import { defineConfig } from 'vitest/config';

/** For how long `expect.poll` asks again. The default of a second is less than a program takes to start on a busy machine. */
const expectPatiently = { poll: { timeout: 15_000 } };

/** Unit tests stand beside their package (`packages/x/test`); what crosses packages stands in `test/`. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/test/**/*.test.ts',
            'test/fuzz/test/**/*.test.ts',
            'test/docker/test/**/*.test.ts',
          ],
          testTimeout: 30_000,
          expect: expectPatiently,
        },
      },
      {
        test: {
          name: 'netns',
          include: ['test/netns/**/*.test.ts'],
          testTimeout: 180_000,
          expect: expectPatiently,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
