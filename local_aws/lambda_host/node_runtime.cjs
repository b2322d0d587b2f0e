// Runs a Node.js handler in an execution environment: `node node_runtime.cjs HANDLER`.
//
// Lambda's own Node.js runtime is not published outside its images. This one implements the Runtime API
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-walkthrough.html) as far as CDK's own handlers need it.
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

// Only the host holds this pipe open. When it is closed, this process ends.
process.stdin.on("end", () => process.exit(1)).resume();

// CDK's handlers answer CloudFormation with https.request and drop the port (aws/aws-cdk
// core/lib/custom-resource-provider/nodejs-entrypoint.ts); the emulator listens on plain HTTP, on its own port.
const emulator = new URL(process.env.AWS_ENDPOINT_URL);
const secureRequest = https.request;
https.request = (options, ...rest) =>
  options.hostname === emulator.hostname
    ? http.request({ ...options, protocol: "http:", port: emulator.port, agent: undefined }, ...rest)
    : secureRequest(options, ...rest);

function call(method, route, body) {
  const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: `/2018-06-01/runtime/${route}` }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function errorShape(error) {
  return JSON.stringify({
    errorType: error?.name ?? "Error",
    errorMessage: error?.message ?? String(error),
    trace: String(error?.stack ?? "").split("\n"),
  });
}

async function load(handler) {
  const dot = handler.lastIndexOf(".");
  const file = path.join(process.env.LAMBDA_TASK_ROOT, handler.slice(0, dot));
  const module = fs.existsSync(`${file}.mjs`) ? await import(pathToFileURL(`${file}.mjs`).href) : require(file);
  return module[handler.slice(dot + 1)];
}

async function main() {
  let handle;
  try {
    handle = await load(process.argv[2]);
  } catch (error) {
    console.error(error);
    await call("POST", "init/error", errorShape(error));
    process.exit(1);
  }
  for (;;) {
    const { headers, body } = await call("GET", "invocation/next");
    const requestId = headers["lambda-runtime-aws-request-id"];
    const deadline = Number(headers["lambda-runtime-deadline-ms"]);
    const context = {
      awsRequestId: requestId,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    try {
      const result = await handle(JSON.parse(body), context);
      await call("POST", `invocation/${requestId}/response`, JSON.stringify(result ?? null));
    } catch (error) {
      console.error(error);
      await call("POST", `invocation/${requestId}/error`, errorShape(error));
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
