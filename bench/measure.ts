import { chooseLines, missingNeeds } from './choose-lines.ts';
import { ratioOf, type Finding } from './finding.ts';
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
      for (const finding of found) {
        const ratio = ratioOf(finding);
        const compared = ratio === undefined ? '' : `, ${ratio.toFixed(2)} of ${finding.yardstick?.name}`;
        stage.note(`${finding.title}: ${showQuantity(finding.value, finding.unit)}${compared}`);
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
