declare namespace Primus {
  /** What happened to a client, in the terms of Google Analytics. */
  export type Report =
    | { eventAction: string; eventCategory: string; hitType: 'event'; nonInteraction: 1 }
    | { hitType: 'exception'; exDescription: string; appName: string; exFatal: true };

  export interface Options {
    /** What is reported, and to what. */
    analytics?: {
      /** The category of every event. Default `primus`. */
      category?: string;
      /** The application, as exceptions name it. Default `primus`. */
      app?: string;
      /** How an event is reported, by its name; `false` for never. */
      events?: Record<string, string | false>;
      /** Takes each report. Default: the page's `gtag`, or its `ga`. */
      sink?: (report: Report) => unknown;
    };
  }
}
