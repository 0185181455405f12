import batchEnd from './examples/batch-end.json' with { type: 'json' };
import batchProblem from './examples/batch-problem.json' with { type: 'json' };
import calibration from './examples/calibration.json' with { type: 'json' };
import model from './examples/model.json' with { type: 'json' };
import prefixLine from './examples/prefix-line.json' with { type: 'json' };
import result from './examples/result.json' with { type: 'json' };

/** Responses for the contract. test/engines/embedded/examples.ts made them with the bundled model, and a test makes them again. */
export const EXAMPLES = {
  result: { result: { summary: 'Eight frames, three prefixes', value: result } },
  lines: { prefix: { summary: 'One prefix', value: prefixLine } },
  batch: {
    problem: { summary: 'An episode with a problem', value: batchProblem },
    end: { summary: 'The last line', value: batchEnd },
  },
  calibration: { calibration: { summary: 'Six successes and six failures', value: calibration } },
  model: { model: { summary: 'The bundled model', value: model } },
};
