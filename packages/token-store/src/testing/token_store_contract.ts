import { afterEach, describe } from '@jest/globals';
import { describeAnonymousRecords } from './anonymous_record_contract.ts';
import { describeOwners } from './owner_contract.ts';
import { describeRecords } from './record_contract.ts';
import { describeRevocation } from './revocation_contract.ts';
import { describeSharedAnswers } from './shared_answer_contract.ts';
import { describeSharedValues } from './shared_value_contract.ts';
import { describeSharing } from './sharing_contract.ts';
import type { StoreUnderTest, TestedOptions } from './store_under_test.ts';
import { describeUnitsOfWork } from './unit_of_work_contract.ts';

/** Behaviour of every token store, on any backend. */
export function describeTokenStore(name: string, create: () => StoreUnderTest) {
  describe(`the ${name} token store`, () => {
    let underTest: StoreUnderTest | undefined;
    const start = async (options?: TestedOptions) => {
      underTest = create();
      return { store: await underTest.open(options), underTest };
    };
    afterEach(async () => {
      await underTest?.close();
      underTest = undefined;
    });

    describeRecords(start);
    describeAnonymousRecords(start);
    describeUnitsOfWork(start);
    describeRevocation(start);
    describeOwners(start);
    describeSharing(start);
    describeSharedAnswers(start);
    describeSharedValues(start);
  });
}
