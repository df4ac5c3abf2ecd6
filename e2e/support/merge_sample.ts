type Value = unknown;
type Fields = Record<string, Value>;

/** What names an entry of a list, by which a sample's entry takes the place of the one it is about. */
const NAMES = ['id', 'resource', 'prefix'];

/** A configuration with a sample from a document put into it, as a reader would: field by field, entry by entry. */
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
