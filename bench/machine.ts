import { cpus, totalmem } from 'node:os';

/** The machine in general words: what a reader needs to judge the numbers, and nothing that names it. */
export function describeMachine(): string {
  const cores = cpus().length;
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cores} ${cores === 1 ? 'core' : 'cores'} (${process.arch}), ${memory} GB of memory, ${process.platform}, Node ${process.versions.node}`;
}
