/** How many connections a listener has at a time. */
export interface CrowdLimits {
  /** All of them. */
  readonly connections: number;
  /** Those within their TLS handshake. */
  readonly handshakes: number;
}

/** Why a connection was closed to make room. */
export type CrowdReason = keyof CrowdLimits;

/** What the crowd knows of a connection. */
export interface CrowdMember {
  readonly socket: { destroy(): unknown };
  /** Undefined before its first request. */
  readonly answer: { readonly closed: boolean } | undefined;
}

/** Makes room for who comes, at the cost of who does nothing. */
export interface Crowd<M extends CrowdMember> {
  /** A connection has come; it may be the one that is closed. */
  enter(member: M, isShaking: boolean): void;
  /** Its handshake is done. */
  shook(member: M): void;
  leave(member: M): void;
}

/**
 * One that floods a server with connections is held at these limits, and shuts nobody out: what is closed to make room is the
 * handshake that takes longest, or the connection that has asked nothing for longest, then one that only waits for a further request;
 * a running answer never. (nginx reuses its idle connections so.) Nobody is refused while one of those is left.
 */
export const createCrowd = <M extends CrowdMember>(
  limits: CrowdLimits,
  onClose: (reason: CrowdReason) => void,
): Crowd<M> => {
  // In the order in which they came.
  const shaking = new Set<M>();
  const all = new Set<M>();
  const close = (member: M, reason: CrowdReason): void => {
    shaking.delete(member);
    all.delete(member);
    member.socket.destroy();
    onClose(reason);
  };
  const leastWanted = (): M | undefined => {
    let waiting: M | undefined;
    for (const member of all) {
      if (member.answer === undefined) {
        return member;
      }
      if (waiting === undefined && member.answer.closed) {
        waiting = member;
      }
    }
    return waiting;
  };
  return {
    enter: (member, isShaking) => {
      if (isShaking) {
        const [oldest] = shaking;
        if (oldest && shaking.size >= limits.handshakes) {
          close(oldest, 'handshakes');
        }
        shaking.add(member);
      }
      const least = all.size >= limits.connections ? (leastWanted() ?? member) : undefined;
      if (least !== member) {
        all.add(member);
      }
      if (least) {
        close(least, 'connections');
      }
    },
    shook: (member) => void shaking.delete(member),
    leave: (member) => {
      shaking.delete(member);
      all.delete(member);
    },
  };
};
