import { chooseLines, missingNeeds } from './choose-lines.ts';
import type { Finding } from './finding.ts';
import type { Stage } from './stage.ts';
import { showQuantity } from './table.ts';

/** Measures the chosen lines one after another. A line that breaks is told of, and the others go on. */
export async function measureLines(
  stage: Stage,
): Promise<{ readonly findings: readonly Finding[]; readonly broken: number }> {
  const findings: Finding[] = [];
  let broken = 0;
  for (const line of chooseLines(stage.options.lines)) {
    const missing = missingNeeds(line);
    if (missing.length > 0) {
      stage.note(`${line.key} is left out: ${missing.join(' and ')} not found on the path`);
      continue;
    }
    try {
      const found = await line.run(stage);
      findings.push(...found);
      for (const { title, value, unit } of found) {
        stage.note(`${title}: ${showQuantity(value, unit)}`);
      }
    } catch (error) {
      broken++;
      stage.note(
        `${line.key} could not be measured: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return { findings, broken };
}
