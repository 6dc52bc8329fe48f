import type { JudgedPackage } from '../judge/task.ts';
import type { PackageRef } from '../source/source.ts';
import type { Log } from '../telemetry/log.ts';

/** Logs what is worth knowing of a package that was judged: its warnings, and why it is in quarantine. */
export function reportPackage(log: Log, ref: PackageRef, { found, reasons, warnings }: JudgedPackage): void {
  const fields = {
    'file.path': ref.path,
    'package.name': found?.record.name,
    'package.version': found?.record.version,
  };
  for (const warning of warnings) {
    log.info({ 'event.action': 'package-warning', ...fields }, `${ref.label}: ${warning}`);
  }
  const [first, ...others] = reasons;
  if (!found && first !== undefined) {
    const more = others.length > 0 ? ` (and ${others.length} more)` : '';
    log.warn(
      { 'event.action': 'package-quarantined', 'fleet_depot.reasons': reasons, ...fields },
      `${ref.label}: ${first}${more}`,
    );
  }
}
