/**
 * Tells generated code which member says what kind of document it is.
 * @param kinds the schemas, by the values of that member
 * @throws Error if the schema of a kind has no title: its title is the name of its component
 */
export function byMember(propertyName: string, kinds: Record<string, object>) {
  const references = Object.entries(kinds).map(([kind, schema]): [string, string] => {
    if (!('title' in schema)) throw new Error(`The schema of the kind \`${kind}\` has no title.`);
    return [kind, `#/components/schemas/${schema.title}`];
  });
  return { propertyName, mapping: Object.fromEntries(references) };
}
