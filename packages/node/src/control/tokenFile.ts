import { readFileSync, statSync } from 'node:fs';

/** Reading, writing or running, for whoever is neither the owner nor of its group. */
const OTHERS = 0o007;

/** The token in a file, or what is wrong with it, as a sentence. A secret that every user of the host can read is none. */
export function readTokenFile(
  file: string,
): { readonly ok: true; readonly token: string } | { readonly ok: false; readonly message: string } {
  try {
    if ((statSync(file).mode & OTHERS) !== 0) {
      return { ok: false, message: `every user of this host may open ${file}; chmod 600 ${file}` };
    }
    const token = readFileSync(file, 'utf8').trim();
    if (token !== '') return { ok: true, token };
    return { ok: false, message: `${file} is empty; put a long random text into it` };
  } catch (error) {
    return { ok: false, message: `${file} cannot be read: ${(error as Error).message}` };
  }
}
