/** Times in answers are ISO 8601: models read those better than epoch milliseconds. */
import { formatTime } from '#domain/values/time.ts';

export const timeText = (ms: number | null): string | null => (ms === null ? null : formatTime(ms));
