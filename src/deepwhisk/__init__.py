"""deepwhisk: your model, from a folder to a service.

The tool that serves a project: it composes the content folders into a manifest, deploys them to an
OpenWhisk endpoint, and is such an endpoint for one machine. Imports go down only, and the rooms of one step
do not import each other:

    cli → portal → feeds, batch, deploy, engine, images, modules, scaffold, services, system
    → manifest, whisk, objects, environments, examples, publish → project, groups → grammar
    → goyaml, keeper, settings, locks, sockets → errors
"""
