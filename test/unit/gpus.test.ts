import { expect, test } from "vitest";
import { gpuRequest } from "../../components/docker/gpus.ts";

test("a GPU's number asks for that GPU, and not for so many of them", () => {
  expect(gpuRequest("1")).toEqual({ deviceRequests: [{ driver: "nvidia", capabilities: ["gpu"], deviceIds: ["1"] }] });
  expect(gpuRequest("0,1").deviceRequests).toMatchObject([{ deviceIds: ["0", "1"] }]);
  expect(gpuRequest("all").deviceRequests).toMatchObject([{ count: -1 }]);
  expect(gpuRequest(null)).toEqual({});
});
