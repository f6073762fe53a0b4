import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { StatusDocument } from '../control/index.js';
import { CATALOGUE, type Metric } from './catalogue.js';

/** The metrics of a node in the text format of Prometheus, worked out when they are asked for. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly status: () => StatusDocument;
  private readonly setters: ((status: StatusDocument) => void)[];

  /** @param version of the program, for `ringmaster_build_info` */
  constructor(version: string, status: () => StatusDocument) {
    this.status = status;
    this.setters = CATALOGUE.map((metric) => this.register(metric));
    const info = new Gauge({
      name: 'ringmaster_build_info',
      help: 'Always 1; says which version runs.',
      labelNames: ['version'],
      registers: [this.registry],
    });
    info.set({ version }, 1);
    // CPU, memory, event-loop lag, garbage collection, open descriptors: under the names that everybody gives them.
    collectDefaultMetrics({ register: this.registry });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  async text(): Promise<string> {
    const status = this.status();
    for (const set of this.setters) set(status);
    return this.registry.metrics();
  }

  /** Values are those of the document, whatever was there before: members and checks come and go. */
  private register({ name, type, help, labels = [], read }: Metric): (status: StatusDocument) => void {
    const options = { name, help, labelNames: [...labels], registers: [this.registry] };
    if (type === 'gauge') {
      const gauge = new Gauge(options);
      return (status) => {
        gauge.reset();
        for (const [value, of = {}] of read(status)) gauge.set(of, value);
      };
    }
    const counter = new Counter(options);
    return (status) => {
      counter.reset();
      for (const [value, of = {}] of read(status)) counter.inc(of, value);
    };
  }
}
