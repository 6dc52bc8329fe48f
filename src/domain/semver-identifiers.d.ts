declare module 'semver/internal/identifiers.js' {
  /** Of semver.org, item 11: numbers below words. Below, equal or above as a negative number, 0 or a positive one. */
  export function compareIdentifiers(a: string, b: string): number;
}
