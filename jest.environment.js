import { TestEnvironment } from 'jest-environment-node';

/**
 * Reports a failed `beforeAll` once, as the failure of the first test below it, and skips the others. Jest repeats the error
 * for each of them, and a table has a thousand.
 */
export default class Environment extends TestEnvironment {
  handleTestEvent(event) {
    if (event.name !== 'hook_failure' || event.hook.type !== 'beforeAll') return;
    const [, ...others] = testsIn(event.hook.parent);
    for (const other of others) {
      other.errors = [];
      other.mode = 'skip';
    }
  }
}

function testsIn(block) {
  return block.children.flatMap((child) => (child.type === 'test' ? [child] : testsIn(child)));
}
