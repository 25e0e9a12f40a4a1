/** Asks AWS about machine types, with the credentials that the AWS tools use. It changes nothing. */

import type { EC2ClientConfig } from "@aws-sdk/client-ec2";
import { clientOptions, collected } from "../../aws/connection.ts";
import { awsSentence } from "../../aws/errors.ts";
import { UserError } from "../../config/errors.ts";
import { REGIONS, type Region } from "../../plan/catalog/index.ts";
import { listedPrice, type Observed, type ObservedRegion, type ObservedType, observedType } from "./observed.ts";

const PERMISSIONS =
  "ec2:DescribeInstanceTypes, ec2:DescribeInstanceTypeOfferings, ec2:DescribeSpotPriceHistory and pricing:GetProducts";
/** Longest wait for data from AWS. */
const SECONDS = 60;
const ATTEMPTS = 3;
/** This region serves the price list of all regions. */
const PRICE_LIST_REGION = "us-east-1";
/** Linux on shared hardware, on demand, without licensed software. */
const LINUX_ON_DEMAND = {
  operatingSystem: "Linux",
  tenancy: "Shared",
  preInstalledSw: "NA",
  capacitystatus: "Used",
  licenseModel: "No License required",
};

/** What to ask about. */
export interface Questions {
  /** Types whose spot price is requested. */
  names: readonly string[];
  prices: boolean;
  signal: AbortSignal;
}

/**
 * Asks every region of the catalog.
 * @throws {UserError} if credentials are missing, or AWS refuses a request or gives an empty answer
 */
export async function askAws(questions: Questions): Promise<Observed> {
  const config: EC2ClientConfig = clientOptions({}, { silenceSeconds: SECONDS, attempts: ATTEMPTS });
  const types = new Map<string, ObservedType>();
  const regions = await Promise.all(
    REGIONS.map(async (region): Promise<[Region, ObservedRegion]> => {
      const ec2 = await askEc2(region, config, questions);
      for (const type of ec2.types) types.set(type.name, type);
      const usdPerHour = questions.prices ? await askPrices(region, config, questions) : null;
      return [region, { offered: ec2.offered, usdPerHour, spotUsdPerHour: ec2.spot }];
    }),
  );
  return { types, regions: new Map(regions) };
}

async function askEc2(
  region: Region,
  config: EC2ClientConfig,
  { names, prices, signal }: Questions,
): Promise<{ types: ObservedType[]; offered: Set<string>; spot: Map<string, number> | null }> {
  const ec2 = await import("@aws-sdk/client-ec2");
  const client = new ec2.EC2Client({ ...config, region });
  const ask = { abortSignal: signal };
  const infos = await answered(
    `ec2:DescribeInstanceTypes in ${region}`,
    ec2.paginateDescribeInstanceTypes({ client, pageSize: 100 }, {}, ask),
    ({ InstanceTypes }) => InstanceTypes,
  );
  const offerings = await answered(
    `ec2:DescribeInstanceTypeOfferings in ${region}`,
    ec2.paginateDescribeInstanceTypeOfferings({ client }, { LocationType: "region" }, ask),
    ({ InstanceTypeOfferings }) => InstanceTypeOfferings,
  );
  const offered = new Set<string>(offerings.flatMap(({ InstanceType }) => InstanceType ?? []));
  const wanted = new Set(names.filter((name) => offered.has(name)));
  const history =
    prices && wanted.size > 0
      ? await answered(
          `ec2:DescribeSpotPriceHistory in ${region}`,
          // A history that starts now holds the current price only, one for each zone.
          ec2.paginateDescribeSpotPriceHistory(
            { client },
            { StartTime: new Date(), ProductDescriptions: ["Linux/UNIX"] },
            ask,
          ),
          ({ SpotPriceHistory }) => SpotPriceHistory,
        )
      : null;
  const spot = new Map<string, number>();
  for (const { InstanceType: name, SpotPrice } of history ?? []) {
    const usd = Number(SpotPrice);
    if (name !== undefined && wanted.has(name) && usd > 0) spot.set(name, Math.min(usd, spot.get(name) ?? usd));
  }
  const types = infos.flatMap((info) => observedType(info) ?? []);
  return { types, offered, spot: history === null ? null : spot };
}

async function askPrices(
  region: Region,
  config: EC2ClientConfig,
  { names, signal }: Questions,
): Promise<Map<string, number>> {
  const pricing = await import("@aws-sdk/client-pricing");
  const client = new pricing.PricingClient({ requestHandler: config.requestHandler ?? {}, region: PRICE_LIST_REGION });
  const filters = Object.entries({ ...LINUX_ON_DEMAND, regionCode: region });
  const entries = await answered(
    `pricing:GetProducts for ${region}`,
    pricing.paginateGetProducts(
      { client, pageSize: 100 },
      {
        ServiceCode: "AmazonEC2",
        Filters: filters.map(([Field, Value]) => ({ Type: "TERM_MATCH", Field, Value })),
      },
      { abortSignal: signal },
    ),
    ({ PriceList }) => PriceList,
  );
  const listed = entries.flatMap((entry) => listedPrice(String(entry)) ?? []);
  const usdPerHour = new Map(listed.map(({ name, usd }) => [name, usd]));
  // AWS answers an unknown filter with an empty list, which must not empty the catalog.
  if (!names.some((name) => usdPerHour.has(name))) {
    throw new UserError(`AWS's price list has no prices for the catalog's types in ${region}: nothing was changed.`);
  }
  return usdPerHour;
}

/** The items of all pages. @throws {UserError} with the reason if AWS refuses */
async function answered<Page, Item>(
  question: string,
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => Item[] | undefined,
): Promise<Item[]> {
  try {
    return await collected(pages, itemsOf);
  } catch (error) {
    if (!(error instanceof Error) || error.name === "AbortError") throw error;
    throw new UserError(`${awsSentence(error, { question, needs: PERMISSIONS })} Nothing was changed.`, {
      cause: error,
    });
  }
}
