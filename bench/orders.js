// The same iteration as orders.yaml, orders.py and locustfile.py: one POST with a body of its own, two checks.
import http from "k6/http";
import { check } from "k6";

const rate = __ENV.PACED === "1";
export const options = {
  vus: Number(__ENV.VUS),
  duration: __ENV.DURATION,
  thresholds: { http_req_duration: ["p(95)<5000"], http_req_failed: ["rate<0.5"] },
  ...(rate ? { minIterationDuration: "1s" } : {}),
};

export default function () {
  const body = JSON.stringify({ customer: `load-${__VU}-${__ITER}`, event: "evt-1", total: 3000 });
  const res = http.post(`${__ENV.TARGET}/orders`, body, {
    headers: { "Content-Type": "application/json" },
    tags: { name: "create order" },
  });
  check(res, {
    "status is 201": (r) => r.status === 201,
    "has an id": (r) => r.json().id !== "",
  });
}
