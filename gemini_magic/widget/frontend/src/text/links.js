/** Which links a model may set, and what the reader sees of them: the same as gemini_magic/display/links.py. */

const WEB = /^https?:\/\/([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(?:[/?#][^\s\\\x00-\x1f\x7f]*)?$/i;
const MAIL = /^mailto:([^\s\\?,;:@<>"']+@[a-z0-9.-]+)(?:\?.*)?$/is;
const SCHEME = /^\s*([a-z][a-z0-9+.-]{0,20}):/i;
const PARTS = /^(https?:\/\/)([^/?#]*)(.*)$/is;
const HOST = /^(?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#]*)/i;
const LONGEST = 4_000;

/**
 * The address a link may lead to, or null when it may lead nowhere.
 *
 * Only whole http, https and mailto addresses pass: no relative ones, no user names before the host, no
 * backslashes, and host names in ASCII. Of a mail address the recipient alone is left.
 */
export function safeTarget(target) {
  if (target.length > LONGEST) return null;
  const mail = MAIL.exec(target);
  if (mail) return `mailto:${mail[1]}`;
  const address = encoded(target);
  return WEB.test(address) ? address : null;
}

/** Where an address leads, in a few characters: its host, its mail address, or its scheme. */
export function place(target) {
  const mail = MAIL.exec(target);
  if (mail) return decoded(mail[1]);
  const clean = target.replace(/^[\0-\x20]+|[\t\r\n]/g, "").replaceAll("\\", "/");
  const host = HOST.exec(clean)?.[1];
  if (host) return host;
  const scheme = SCHEME.exec(target);
  return scheme ? `${scheme[1].toLowerCase()}:` : "this notebook's server";
}

/** Whether a link's text already begins with the place it leads to. */
export function namesPlace(label, target) {
  const seen = label.trim().toLowerCase().replace(/^https:\/\//, "").replace(/^http:\/\//, "").replace(/^mailto:/, "");
  const where = place(target).toLowerCase();
  return seen.startsWith(where) && ["", "/", "?", "#"].includes(seen.charAt(where.length));
}

/** A web address whose host is spelled in ASCII, and whose path is percent-encoded. */
function encoded(target) {
  const [, scheme, host, rest] = PARTS.exec(target) ?? [];
  if (scheme === undefined) return target;
  try {
    const ascii = /^[\0-\x7f]*$/.test(host) ? host : new URL(`http://${host}`).host;
    return scheme + ascii + encodeURI(rest).replace(/%25/g, "%");
  } catch {
    return ""; // no host, or half a character
  }
}

function decoded(words) {
  try {
    return decodeURIComponent(words);
  } catch {
    return words;
  }
}
