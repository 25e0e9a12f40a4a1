/** EC2 and the price list of AWS over HTTP, as far as the catalog asks them: real requests, signed, in pages. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { machineTable } from "../../plan/catalog/data.ts";
import { type MachineType, machineTypes, REGIONS, type Region } from "../../plan/catalog/index.ts";

type Xml = string | number | boolean | readonly Xml[] | { readonly [name: string]: Xml };

/** What the double answers; may be changed at any time. */
export interface AwsWorld {
  /** By name, as EC2 words them. */
  types: Map<string, Record<string, Xml>>;
  offered: Record<Region, Set<string>>;
  usdPerHour: Record<Region, Map<string, number>>;
  spotUsdPerHour: Record<Region, Map<string, number>>;
  /** An error instead of every answer to one action. */
  refusal: { action: string; status: number; code: string } | null;
}

export interface AwsDouble {
  url: string;
  world: AwsWorld;
  /** Actions so far, with their region: `DescribeInstanceTypes us-east-1`. */
  requests: string[];
  close(): Promise<void>;
}

const byRegion = <T>(make: (region: Region) => T): Record<Region, T> => {
  const [a, b, c, d] = REGIONS;
  return { [a]: make(a), [b]: make(b), [c]: make(c), [d]: make(d) };
};

/** A type as EC2 states it. */
export function ec2Type(type: Omit<MachineType, "family" | "processor" | "usdPerHour">): Record<string, Xml> {
  const cards = type.networkBaseGbps >= 400 ? 4 : 1;
  const usage = ["on-demand", ...(type.spot ? ["spot"] : []), ...(type.capacityBlocks ? ["capacity-block"] : [])];
  return {
    instanceType: type.name,
    supportedUsageClasses: usage,
    processorInfo: { supportedArchitectures: [type.architecture === "arm64" ? "arm64" : "x86_64"] },
    vCpuInfo: { defaultVCpus: type.vcpus },
    memoryInfo: { sizeInMiB: type.memoryMib },
    ...(type.nvmeGigabytes === 0 ? {} : { instanceStorageInfo: { totalSizeInGB: type.nvmeGigabytes } }),
    ebsInfo: {
      ebsOptimizedInfo: {
        baselineThroughputInMBps: type.diskBaseMegabytesPerSecond,
        maximumThroughputInMBps: type.diskBurstMegabytesPerSecond,
      },
    },
    networkInfo: {
      // Several cards may add up to more than the machine gets.
      networkPerformance: cards > 1 ? `${type.networkBaseGbps} Gigabit` : `Up to ${type.networkBurstGbps} Gigabit`,
      networkCards: Array.from({ length: cards }, () => ({
        baselineBandwidthInGbps: cards > 1 ? 200 : type.networkBaseGbps,
        peakBandwidthInGbps: cards > 1 ? 200 : type.networkBurstGbps,
      })),
    },
    ...(type.gpu === null
      ? {}
      : {
          gpuInfo: {
            gpus: [
              {
                name: type.gpu.name,
                manufacturer: "NVIDIA",
                count: type.gpu.partition < 1 ? 0 : type.gpus,
                logicalGpuCount: type.gpus,
                gpuPartitionSize: type.gpu.partition,
                memoryInfo: { sizeInMiB: type.gpu.memoryMib },
              },
            ],
          },
        }),
    autoRecoverySupported: type.autoRecovery,
  };
}

/** A world in which the catalog is right, but for prices that it only estimates. */
export function worldOfCatalog(): AwsWorld {
  const types = machineTypes();
  return {
    types: new Map(types.map((type) => [type.name, ec2Type(type)])),
    offered: byRegion(
      // p5e is offered, and sold in capacity blocks only.
      (region) =>
        new Set(
          types.flatMap(({ name, usdPerHour, spot }) => (usdPerHour[region] || (spot && isUnsold(name)) ? name : [])),
        ),
    ),
    usdPerHour: byRegion(
      (region) =>
        new Map(types.flatMap(({ name, usdPerHour }) => (usdPerHour[region] ? [[name, usdPerHour[region].usd]] : []))),
    ),
    spotUsdPerHour: byRegion(
      (region) =>
        new Map(
          Object.entries(machineTable.spotUsdPerHour).flatMap(([name, samples]) =>
            samples[region] ? [[name, samples[region]]] : [],
          ),
        ),
    ),
    refusal: null,
  };
}

const isUnsold = (name: string): boolean =>
  Object.keys(machineTypes().find((type) => type.name === name)?.usdPerHour ?? {}).length === 0;

/** Starts the double. */
export async function awsDouble(): Promise<AwsDouble> {
  const double: AwsDouble = { url: "", world: worldOfCatalog(), requests: [], close: async () => undefined };
  const server = createServer((request, response) => {
    void answer(double, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  double.url = `http://127.0.0.1:${address.port}`;
  double.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return double;
}

async function answer(double: AwsDouble, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await textOf(request);
  const { authorization = "" } = request.headers;
  const [, region = ""] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([\w-]+)\/(?:ec2|pricing)\//.exec(authorization) ?? [];
  const target = request.headers["x-amz-target"];
  const form = new URLSearchParams(body);
  const action = typeof target === "string" ? (target.split(".")[1] ?? "") : (form.get("Action") ?? "");
  double.requests.push(`${action} ${region}`);
  const { refusal } = double.world;
  const isJson = action === "GetProducts";
  if (refusal?.action === action) {
    const { status, code } = refusal;
    const json = JSON.stringify({ __type: code, message: "told by the server." });
    const xml = `<Response><Errors><Error><Code>${code}</Code><Message>told by the server.</Message></Error></Errors></Response>`;
    response.writeHead(status).end(isJson ? json : xml);
  } else if (isJson) {
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(products(double.world, body));
  } else {
    const content = described(double.world, action, region, form);
    const xml = `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${toXml(content)}</${action}Response>`;
    response.writeHead(200, { "content-type": "text/xml" }).end(xml);
  }
}

/** One page of what EC2 describes. */
function described(world: AwsWorld, action: string, name: string, form: URLSearchParams): Record<string, Xml> {
  const region = REGIONS.find((one) => one === name);
  if (region === undefined) throw new Error(`${action} was asked of ${name || "no region"}`);
  const offered = [...world.offered[region]];
  const paged = (set: string, items: Xml[], size: number): Record<string, Xml> => {
    const start = Number(form.get("NextToken") ?? 0);
    const next = start + size < items.length ? { nextToken: String(start + size) } : {};
    return { [set]: items.slice(start, start + size), ...next };
  };
  switch (action) {
    case "DescribeInstanceTypes":
      return paged(
        "instanceTypeSet",
        offered.flatMap((type) => world.types.get(type) ?? []),
        100,
      );
    case "DescribeInstanceTypeOfferings":
      return paged(
        "instanceTypeOfferingSet",
        offered.map((instanceType) => ({ instanceType, locationType: "region", location: region })),
        1000,
      );
    case "DescribeSpotPriceHistory":
      return paged(
        "spotPriceHistorySet",
        [...world.spotUsdPerHour[region]].flatMap(([instanceType, usd]) =>
          // Another zone is dearer.
          [usd * 1.5, usd].map((spotPrice) => ({ instanceType, spotPrice, productDescription: "Linux/UNIX" })),
        ),
        1000,
      );
    default:
      throw new Error(`the double knows no ${action}`);
  }
}

/** One page of the price list. */
function products(world: AwsWorld, body: string): string {
  const { Filters, NextToken } = JSON.parse(body) as {
    Filters: { Field: string; Value: string }[];
    NextToken?: string;
  };
  const asked = new Map(Filters.map(({ Field, Value }) => [Field, Value]));
  const region = REGIONS.find((one) => one === asked.get("regionCode"));
  const isLinux = asked.get("operatingSystem") === "Linux" && asked.get("capacitystatus") === "Used";
  if (region === undefined || !isLinux || asked.get("tenancy") !== "Shared") throw new Error(`asked for ${body}`);
  const entries = [...world.usdPerHour[region]].map(([instanceType, usd]) =>
    JSON.stringify({
      product: { productFamily: "Compute Instance", attributes: { instanceType, regionCode: region } },
      serviceCode: "AmazonEC2",
      terms: {
        OnDemand: {
          "SKU.TERM": { priceDimensions: { "SKU.TERM.RATE": { unit: "Hrs", pricePerUnit: { USD: usd.toFixed(10) } } } },
        },
      },
    }),
  );
  const start = Number(NextToken ?? 0);
  const next = start + 100 < entries.length ? { NextToken: String(start + 100) } : {};
  return JSON.stringify({ FormatVersion: "aws_v1", PriceList: entries.slice(start, start + 100), ...next });
}

function toXml(value: Xml): string {
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map((item) => `<item>${toXml(item)}</item>`).join("");
  return Object.entries(value)
    .map(([name, content]) => `<${name}>${toXml(content)}</${name}>`)
    .join("");
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
