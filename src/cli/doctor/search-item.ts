/** As much of a search item as the checks read. */
export interface SearchItem {
  readonly name?: string;
  readonly version?: string;
  readonly download?: string;
  readonly icons?: readonly { readonly path?: string; readonly type?: string }[];
}
