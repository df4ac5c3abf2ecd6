const heartbeatSeconds = 10;

/**
 * Says what is being done while it is done: on a terminal one line that counts seconds, elsewhere a line at the start,
 * one every ten seconds and one at the end.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withProgress(title, work) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const line = process.stdout.isTTY ? terminalLine(title) : plainLines(title);
  line.begin();
  const timer = setInterval(() => line.tick(Math.round(seconds())), 1000);
  try {
    const result = await work();
    line.end(`${title}: ${seconds().toFixed(1)} s`);
    return result;
  } catch (error) {
    line.end(`${title}: failed after ${seconds().toFixed(1)} s`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** @param {string} title */
function terminalLine(title) {
  /** @param {string} text */
  const replace = (text) => process.stdout.write(`\r\x1b[K${text}`);
  return {
    begin: () => replace(`${title} ...`),
    tick: (/** @type {number} */ seconds) => replace(`${title} ... ${seconds} s`),
    end: (/** @type {string} */ text) => replace(`${text}\n`),
  };
}

/** @param {string} title */
function plainLines(title) {
  return {
    begin: () => console.log(`${title} ...`),
    tick: (/** @type {number} */ seconds) => {
      if (seconds % heartbeatSeconds === 0) console.log(`${title} ... ${seconds} s`);
    },
    end: (/** @type {string} */ text) => console.log(text),
  };
}
