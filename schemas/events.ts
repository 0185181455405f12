/**
 * Tells generated code that the member `event` says which kind of line it is.
 * @throws Error if the schema of a kind has no title: its title is the name of its component
 */
export function byEvent(events: Record<string, object>) {
  const references = Object.entries(events).map(([event, schema]): [string, string] => {
    if (!('title' in schema)) throw new Error(`The schema of the line \`${event}\` has no title.`);
    return [event, `#/components/schemas/${schema.title}`];
  });
  return { propertyName: 'event', mapping: Object.fromEntries(references) };
}
