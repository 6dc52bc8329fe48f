/**
 * `/search` addresses that no answer was ever made for: versions alone would not do, since those that satisfy the same
 * constraints share an answer, so each has a capability of its own that no package knows.
 */
export const newSearches = (mark: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const kibana = `${7 + (index % 3)}.${index % 20}.${index % 7}`;
    const flags = ['', '&prerelease=true', '&experimental=true', '&spec.min=1.0&spec.max=3.5'][index % 4];
    const capabilities = `observability,security,apm,fleet,serverless,${mark}-${index}`;
    return `/search?kibana.version=${kibana}&capabilities=${capabilities}${flags}`;
  });
