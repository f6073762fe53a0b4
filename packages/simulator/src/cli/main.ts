import { generate, run, Trace } from '@ringmaster/simulator';
const arg = (n: string, d: number): number => {
  const i = process.argv.indexOf(n);
  return i < 0 ? d : Number(process.argv[i + 1]);
};
const range = { from: arg('--min', 1), to: arg('--max', 16) };
const one = arg('--seed', -1);
if (one >= 0) {
  let now = 0;
  const s = generate(one, range);
  console.log(JSON.stringify({ ...s, nodes: s.nodes.length, faults: s.faults.length }));
  const t = new Trace(
    {
      get nowMs() {
        return now;
      },
    },
    process.argv.includes('--packets'),
    (l) => console.log(l),
  );
  const r = run(s, {
    observers: [
      {
        stepped: (st) => {
          now = st.world.nowMs;
        },
      },
      t,
    ],
    toTheEnd: false,
  });
  console.log(r);
} else {
  const n = arg('--seeds', 1000),
    from = arg('--from', 1);
  const t0 = performance.now();
  let events = 0,
    bad = 0;
  const conv: number[] = [];
  const by = new Map<string, number[]>();
  for (let s = from; s < from + n; s++) {
    const r = run(generate(s, range));
    events += r.events;
    if (r.convergedAfterMs !== undefined) conv.push(r.convergedAfterMs / r.boundMs);
    if (r.violations.length) {
      bad++;
      const v = r.violations[0]!;
      const k = v.invariant + ' ' + v.what.replace(/[\d.]+/g, '#');
      by.set(k, [...(by.get(k) ?? []), s]);
    }
  }
  for (const [k, v] of [...by].sort((a, b) => b[1].length - a[1].length))
    console.log(v.length, k, v.slice(0, 6).join(' '));
  conv.sort((a, b) => a - b);
  const dt = (performance.now() - t0) / 1000;
  console.log({
    n,
    bad,
    events,
    dt,
    eps: Math.round(events / dt),
    p50: conv[conv.length >> 1],
    p99: conv[Math.floor(conv.length * 0.99)],
    max: conv.at(-1),
  });
}
