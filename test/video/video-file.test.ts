import t from 'tap';
import { inputOptions } from '../../src/video/video-file.ts';

const BOUNDS = ['-max_alloc', '268435456', '-max_streams', '64'];

t.test('a program may open only the file itself, with the demuxer of its first bytes', async (t) => {
  const path = '/tmp/a b:c/video';
  const only = ['-protocol_whitelist', 'file'];
  // Only an MP4 can name other files and chapters.
  const closed = ['-enable_drefs', '0', '-use_absolute_path', '0', '-ignore_chapters', '1'];
  const end = (demuxer: string) => ['-f', demuxer, '-i', `file:${path}`];
  t.strictSame(inputOptions({ path, container: 'mov' }), [...BOUNDS, ...only, ...closed, ...end('mov')]);
  t.strictSame(inputOptions({ path, container: 'matroska' }), [...BOUNDS, ...only, ...end('matroska')]);
});
