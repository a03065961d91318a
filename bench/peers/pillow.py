"""The two pictures of each photograph in a folder, as a program with Pillow makes them; for convert.ts beside it."""
import glob, json, os, sys, time
import PIL
from PIL import Image, ImageOps

folder, count = sys.argv[1], int(sys.argv[2])
inputs = sorted(glob.glob(os.path.join(folder, "[0-9].jpg")))
begun, cpu = time.perf_counter(), time.process_time()
for n in range(count):
    with Image.open(inputs[n % len(inputs)]) as opened:
        whole = ImageOps.exif_transpose(opened).convert("RGB")
    for edge in (1344, 384):
        small = whole.copy()
        small.thumbnail((edge, edge))
        small.save(os.path.join(folder, f"{edge}.pillow.jpg"), quality=80, optimize=True)
print(json.dumps({
    "peer": f"Pillow {PIL.__version__}",
    "images": count,
    "cpuMsPerImage": round((time.process_time() - cpu) * 1000 / count, 1),
    "seconds": round(time.perf_counter() - begun, 2),
}), flush=True)
