import t from 'tap';
import { rewardOf } from '../../src/scores/reward.ts';

t.test('the reward is log p, the log odds, or the normalised log p', async (t) => {
  const [yes, no] = [Math.log(0.3), Math.log(0.1)];
  t.equal(rewardOf('log_prob', yes, no), yes);
  t.ok(Math.abs(rewardOf('log_odds', yes, no) - Math.log(3)) < 1e-12);
  t.ok(Math.abs(rewardOf('normalised', yes, no) - Math.log(0.75)) < 1e-12);
  t.ok(Math.abs(rewardOf('normalised', no, yes) - Math.log(0.25)) < 1e-12);
});

t.test('very small probabilities neither overflow nor become 0', async (t) => {
  t.equal(rewardOf('normalised', -900, -900), -Math.LN2);
  t.equal(rewardOf('normalised', -5000, -1), -4999);
  t.equal(Math.abs(rewardOf('normalised', -1, -5000)), 0);
});
