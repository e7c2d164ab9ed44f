/** What one request came to, and the addresses at which a listener was reached meanwhile. */
export interface Attempt {
  url: string;
  outcome: string;
  reached: string[];
}

export interface EveryAddressReport {
  /** Reached without the guard: shows that there is somebody to reach. */
  listeners: string[];
  good: Attempt[];
  hostile: Attempt[];
  /** The same name twice: DNS answers the second question with another address. */
  rebind: Attempt[];
  /** Asked by the first of them. */
  rebindQuestions: number;
  /** From a good address to each hostile one. */
  redirects: Attempt[];
}
