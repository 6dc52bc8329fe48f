import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** The machine in general words: what a reader needs to judge the numbers, and nothing that names it. */
export function describeMachine(): string {
  const cores = cpus().length;
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores} ${cores === 1 ? 'core' : 'cores'} (${process.arch}), ${memory} GB of memory, ${process.platform}, Node ${process.versions.node}`;
}

/** A warning where the machine was busy with something else before the bench began; asked at its start. */
export function describeBusyness(): string[] {
  const [load = 0] = loadavg();
  return load > availableParallelism() / 2
    ? [
        `The machine was busy with other work (load ${load.toFixed(1)} at the start): only ratios mean something.`,
      ]
    : [];
}
