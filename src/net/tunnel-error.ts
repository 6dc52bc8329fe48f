/** A tunnel that didn't come about; the cause says why. */
export class TunnelError extends Error {
  readonly code = 'PROXY_TUNNEL';

  constructor(cause: unknown) {
    super('no tunnel through the proxy', { cause });
    this.name = 'TunnelError';
  }
}
