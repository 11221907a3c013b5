/**
 * Every HTTP route module of the server, in the order of the OpenAPI document. To add one, write a
 * `RouteModule` and list it here. The routes of the API are in `http/routes`. Other modules have a
 * folder of their own: `feast`, `iceberg` and `mcp`. A web page would be one of these: in a folder
 * `page`, with the prefix `/`, last in this list. The sources of the web page would be in a
 * top-level folder `web`.
 */
import type { FeastStatuses } from './feast/online-features.ts';
import { feastRoutes } from './feast/routes.ts';
import type { RouteModule } from './http/route-module.ts';
import { applyRoutes } from './http/routes/apply.ts';
import { approvalRoutes } from './http/routes/approvals.ts';
import { auditRoutes } from './http/routes/audit.ts';
import { batchRoutes } from './http/routes/batch.ts';
import { commandRoutes } from './http/routes/commands.ts';
import { datasetRoutes } from './http/routes/datasets.ts';
import { erasureRoutes } from './http/routes/erasures.ts';
import { eventRoutes } from './http/routes/events.ts';
import { explainRoutes } from './http/routes/explain.ts';
import { featureRoutes } from './http/routes/features.ts';
import { freshnessRoutes } from './http/routes/freshness.ts';
import { healthRoutes } from './http/routes/health.ts';
import { historyRoutes } from './http/routes/history.ts';
import { keyRoutes } from './http/routes/keys.ts';
import { lateRoutes } from './http/routes/late.ts';
import { lineageRoutes } from './http/routes/lineage.ts';
import { metricsRoutes } from './http/routes/metrics.ts';
import { planRoutes } from './http/routes/plan.ts';
import { producerRoutes } from './http/routes/producers.ts';
import { registryRoutes } from './http/routes/registry.ts';
import { rejectedRoutes } from './http/routes/rejected.ts';
import { replayRoutes } from './http/routes/replays.ts';
import { rollupRoutes } from './http/routes/rollups.ts';
import { searchRoutes } from './http/routes/search.ts';
import { servedRoutes } from './http/routes/served.ts';
import { skewRoutes } from './http/routes/skew.ts';
import { snapshotRoutes } from './http/routes/snapshots.ts';
import { sqlRoutes } from './http/routes/sql.ts';
import { statusRoutes } from './http/routes/status.ts';
import { icebergRoutes } from './iceberg/routes.ts';
import { mcpRoutes } from './mcp/routes.ts';

/** @param feastStatuses how Feast's clients see nulls and expired values */
export const httpModules = (feastStatuses: FeastStatuses = 'exact'): readonly RouteModule[] => [
  eventRoutes,
  producerRoutes,
  snapshotRoutes,
  historyRoutes,
  featureRoutes,
  commandRoutes,
  planRoutes,
  applyRoutes,
  registryRoutes,
  searchRoutes,
  lineageRoutes,
  datasetRoutes,
  batchRoutes,
  rollupRoutes,
  sqlRoutes,
  replayRoutes,
  explainRoutes,
  auditRoutes,
  servedRoutes,
  skewRoutes,
  keyRoutes,
  approvalRoutes,
  erasureRoutes,
  rejectedRoutes,
  lateRoutes,
  statusRoutes,
  freshnessRoutes,
  healthRoutes,
  metricsRoutes,
  feastRoutes(feastStatuses),
  icebergRoutes,
  mcpRoutes,
];
