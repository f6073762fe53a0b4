/** What a server has to hand out, and nothing else: no path that a request names is ever opened. */

export interface PageFile {
  /** As it is asked for. */
  readonly path: string;
  /** Below {@link ROOT}. */
  readonly file: string;
  readonly type: string;
}

export const ROOT = new URL('../', import.meta.url);

const SCRIPT = 'text/javascript; charset=utf-8';
const MODULES = ['main', 'chart', 'dom', 'format', 'members', 'ring', 'traffic', 'types', 'news'];

export const FILES: readonly PageFile[] = [
  { path: '/', file: 'public/index.html', type: 'text/html; charset=utf-8' },
  { path: '/style.css', file: 'public/style.css', type: 'text/css; charset=utf-8' },
  { path: '/icon.svg', file: 'public/icon.svg', type: 'image/svg+xml' },
  ...MODULES.map((name) => ({ path: `/page/${name}.js`, file: `dist/page/${name}.js`, type: SCRIPT })),
];
