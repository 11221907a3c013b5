/** 64 connections posting one body for some seconds; reports requests a second and latencies. */
import autocannon from 'autocannon';

const [url, body, seconds] = [process.argv[2] as string, process.argv[3] as string, Number(process.argv[4])];
const result = await autocannon({
  url: `${url}/v1/features`,
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body,
  connections: 64,
  duration: seconds,
});
const answer = {
  requests: result.requests.average,
  p50: result.latency.p50,
  p99: result.latency.p99,
  errors: result.errors + result.non2xx,
};
process.send?.(answer, () => process.exit(0));
