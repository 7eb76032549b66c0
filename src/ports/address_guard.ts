/** Whether requests may be sent to a URL, and if not, why: in words for the person who registered it. */
export type UrlVerdict = { readonly ok: true } | { readonly ok: false; readonly detail: string }

/** Judges the URLs that strangers ask us to send requests to. The HTTP client applies the same rule when it connects. */
export interface AddressGuard {
  /** Scheme, credentials, host and every address that the host resolves to now. */
  check(url: string): Promise<UrlVerdict>
}
