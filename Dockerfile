# Postroom as an image: nothing but Node, the packages and the sources, which Node runs as they are.
#   docker build -t postroom .
#   docker run --read-only --tmpfs /tmp --init -v postroom:/data -p 127.0.0.1:8080:8080 postroom token   (once)
#   docker run --read-only --tmpfs /tmp --init -v postroom:/data -p 127.0.0.1:8080:8080 postroom
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The Node that npm brings along stays behind: the image has its own.
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node-bin-* node_modules/node-darwin-* node_modules/node-linux-* node_modules/node-win-*

FROM ${NODE_IMAGE}
WORKDIR /app
COPY --from=packages /app/node_modules node_modules/
COPY package.json LICENSE ./
COPY bin bin/
COPY deploy/start.ts deploy/secrets.ts deploy/
COPY src src/
RUN mkdir /data && chown 1000:1000 /data && chmod 700 /data
ENV NODE_ENV=production DATA_DIR=/data HTTP_HOST=0.0.0.0
USER 1000:1000
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# Node sizes its young generation by the machine: 16 MiB cost no speed, and a third less memory where much is queued.
ENTRYPOINT ["node", "--max-semi-space-size=16", "/app/deploy/start.ts"]
CMD ["start"]
