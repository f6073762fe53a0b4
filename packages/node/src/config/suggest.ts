/** "Did you mean": the closest known word, when it is close enough to be a slip of the hand. */

/** Edit distance in which two swapped neighbours are one slip (optimal string alignment), for short words. */
export function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(substitution, rows[i - 1][j] + 1, row[j - 1] + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}

const LONGEST_COMPARED = 64;

/** Letters and digits only, lower case: `key_file`, `key-file` and `KeyFile` are all `keyfile`. */
const bare = (word: string): string => word.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/**
 * The known word that `word` was probably meant to be, or undefined.
 * Accepts a different way of writing the same letters, a missing or extra ending of three letters, or about one
 * wrong letter in three.
 */
export function suggest(word: string, known: readonly string[]): string | undefined {
  if (word.length > LONGEST_COMPARED) return undefined;
  const wanted = bare(word);
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const have = bare(candidate);
    const extended = wanted.length >= 3 && have.startsWith(wanted);
    const distance = extended ? 1 : editDistance(wanted, have);
    if (distance < bestDistance && distance <= Math.max(1, Math.floor(have.length / 3))) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
