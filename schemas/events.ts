/** Tells generated code that the member `event` says which kind of line it is. */
export function byEvent(events: Record<string, object>) {
  const references = Object.entries(events).map(([event, schema]) => {
    const { title } = schema as { title?: string };
    return [event, `#/components/schemas/${title}`];
  });
  return { propertyName: 'event', mapping: Object.fromEntries(references) as Record<string, string> };
}
