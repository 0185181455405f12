/** The parts of a JSON schema that say which members and items a value has. */
export interface Shape {
  properties?: Record<string, Shape>;
  additionalProperties?: unknown;
  items?: Shape;
  maxItems?: number;
  anyOf?: Shape[];
}
