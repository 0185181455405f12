/** The names in ALLOWED_HOSTS, in lower case. A name that begins with a dot stands for all names that end with it. */
export function allowedNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '');
}
