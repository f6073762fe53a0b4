/** Arrows point down: cli, lab (which also needs libnetraw) -> node -> {transport -> {ring, libnetraw}, dispatch -> libnetraw/wire} and libnetraw. */
const only = (from, allowed, comment) => ({
  name: `${from}-imports-only-${allowed.join('-or-') || 'itself'}`,
  comment,
  severity: 'error',
  from: { path: `^packages/${from}/src` },
  to: {
    path: '^packages/',
    pathNot: [`^packages/${from}/`, ...allowed.map((a) => `^packages/${a}/`)],
  },
});

const pure = (path) => ({
  name: `pure-${path.replaceAll('/', '-')}`,
  comment: 'A pure core knows no clock, no socket, no package of others.',
  severity: 'error',
  from: { path: `^${path}` },
  to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-no-pkg'], pathNot: '^packages/' },
});

module.exports = {
  forbidden: [
    only('libnetraw', [], 'Somebody could publish it and use it without the rest.'),
    only('ring', [], 'The protocol core stands alone.'),
    only('transport', ['ring', 'libnetraw'], 'Shells of the ring: datagrams, and frames.'),
    only('dispatch', ['libnetraw/(src|dist)/wire'], 'Rewriting needs the codecs and nothing else.'),
    only(
      'simulator',
      ['ring', 'dispatch', 'libnetraw/(src|dist)/wire'],
      'The pure cores, and nothing of the shells.',
    ),
    only('dashboard', [], 'A page for browsers, and the list of its files.'),
    only('node', ['ring', 'transport', 'dispatch', 'libnetraw', 'dashboard'], 'The one root.'),
    only('cli', ['node'], 'Talks to a node.'),
    only(
      'lab',
      ['node', 'cli', 'libnetraw'],
      'Runs nodes, makes frames against them, turns switches of network cards.',
    ),
    pure('packages/ring/src'),
    pure('packages/dispatch/src'),
    pure('packages/simulator/src/(?!cli)'),
    pure('packages/libnetraw/src/wire'),
    {
      name: 'no-circles',
      comment: 'Types may refer to each other; code may not.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'one-libc',
      comment: 'libc is bound in one place.',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/libnetraw/src/libc' },
      to: { path: 'node_modules/koffi' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|dist' },
    exclude: { path: 'dist|/test/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'default'] },
  },
};
