/**
 * Headers of a page and its files. A page loads nothing from other hosts, sends no forms, and cannot be shown in a frame.
 * @fastify/helmet does not set the cache header, has seven more headers to turn off, and would change the text of the policy.
 * @param policy what the page may load, as directives of Content-Security-Policy. Everything else is blocked.
 */
export function pageHeaders(...policy: string[]): Record<string, string> {
  const always = ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];
  return {
    'content-security-policy': ["default-src 'none'", ...policy, ...always].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    // Browsers ask each time and get 304 for an unchanged ETag, so that an upgrade never mixes old and new files.
    'cache-control': 'no-cache',
  };
}
