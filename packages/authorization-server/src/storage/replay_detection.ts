import { errors, type Provider } from 'oidc-provider';

/** A proof or assertion was used by another request while this one looked whether it was. */
export class ReplayedMeanwhile extends errors.InvalidRequest {
  constructor() {
    super('a proof or assertion was used before');
  }
}

/** Refuses a proof or assertion that comes twice at the same moment as oidc-provider refuses one that comes later. */
export function refuseReplaysAlike({ ReplayDetection }: Provider): void {
  const unique = ReplayDetection.unique.bind(ReplayDetection);
  ReplayDetection.unique = (...args) =>
    unique(...args).catch((error) => {
      if (error instanceof ReplayedMeanwhile) return false;
      throw error;
    });
}
