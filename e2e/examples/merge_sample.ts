type Value = unknown;
type Fields = Record<string, Value>;

/** The members that identify an entry of a list. A sample's entry replaces the entry with the same value. */
const NAMES = ['id', 'resource', 'prefix'];

/** Merges a sample from a document into a configuration, as a reader would: field by field, entry by entry. */
export function mergeSample(config: Value, sample: Value): Value {
  if (Array.isArray(config) && Array.isArray(sample)) return mergeLists(config, sample);
  if (!isFields(config) || !isFields(sample)) return sample;
  const merged = { ...config };
  for (const [name, value] of Object.entries(sample)) merged[name] = mergeSample(config[name], value);
  return merged;
}

function mergeLists(config: readonly Value[], sample: readonly Value[]): Value[] {
  const nameOf = (entry: Value) => {
    const name = isFields(entry) ? NAMES.find((candidate) => candidate in entry) : undefined;
    return name === undefined ? undefined : (entry as Fields)[name];
  };
  if (!sample.every((entry) => nameOf(entry) !== undefined)) return [...sample];
  const replaced = config.filter((entry) => !sample.some((other) => nameOf(other) === nameOf(entry)));
  const merged = sample.map((entry) => {
    const before = config.find((other) => nameOf(other) === nameOf(entry));
    return before === undefined ? entry : mergeSample(before, entry);
  });
  return [...replaced, ...merged];
}

function isFields(value: Value): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
